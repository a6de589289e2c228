"""Spreadsheets of people, as clerks keep them."""
