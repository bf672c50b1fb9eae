"""Desks for people of the city who sign in: sessions, and the auditor's view of the access log."""
