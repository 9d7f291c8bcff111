"""A simulator of Azure Communication Services call recording that the unmodified SDK cannot tell from the real one."""
