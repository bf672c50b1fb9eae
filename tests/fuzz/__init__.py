"""Whatever is sent: targets, mutations of good input, and what runs them (`make fuzz`, hypothesis, a real node)."""
