"""Personal data inside running Vietnamese texts: shapes, judged by the words around them."""
