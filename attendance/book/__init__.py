"""The tables that a report becomes in a spreadsheet, before any file format: `attendance.io.export_*` write them."""
