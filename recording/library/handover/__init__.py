"""Hand over: a recording as a vCon, and many of them as one bundle that is read, heard and verified offline."""
