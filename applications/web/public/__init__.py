"""What of the casework everybody may see: public notices, and objecting to one."""
