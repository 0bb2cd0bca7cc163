"""Assessment: one pure file a question about what was observed. `assess` asks them all."""
