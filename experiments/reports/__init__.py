"""Reports: what a study found, in words, tables and charts, as one page for somebody who decides."""
