"""Where rows lie on the map: the definition's section `geometry`, reading it from columns, conversion from VN-2000, and its faults."""
