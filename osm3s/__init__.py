"""osm3s: a file-based spatial database daemon for OpenStreetMap that speaks the Overpass query language."""
