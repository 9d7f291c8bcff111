"""Hand over: a recording as a vCon, or many as one bundle that can be read, played and verified offline."""
