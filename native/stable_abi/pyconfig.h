/* Stands in for CPython's pyconfig.h beside the Python.h of this directory; a release build defines nothing that counts. */
