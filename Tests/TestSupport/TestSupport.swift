// Support under construction.
