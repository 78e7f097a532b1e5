"""G5: every treated value has the form its action gives, at one level for the whole column. Written from the policy language alone."""
