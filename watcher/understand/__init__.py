"""Understanding text: which states, how many killed and injured, and whether it happened."""
