"""How the distributions are computed: special functions, tables, angles and tangents.  Nothing here is public."""
