"""One history of the database for ledger, roster, lectures and staff."""
