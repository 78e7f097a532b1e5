"""Files of releases and of uploads in the object storage, and Datasette over the released tables."""
