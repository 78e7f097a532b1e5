"""Takes over an existing portal: records from a dump or over HTTP, written through the same actions as any client's."""
