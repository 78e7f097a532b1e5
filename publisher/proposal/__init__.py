"""`phusa dataset propose`: a draft of a definition, from the whole of a source, for a person to finish."""
