"""Who signs for this laboratory: let in by a biologist in office, and out for ever once they have left."""
