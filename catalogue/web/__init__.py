"""The catalogue over HTTP: the action API, open formats, rows, downloads."""
