"""The room's channel under load: its members, in processes of their own."""
