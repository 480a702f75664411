"""The commands of operators (docs/reference/commands.md), and what they share."""
