"""Reading text: folding, sentences, numbers, dates; offsets always point into the original."""
