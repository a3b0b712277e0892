"""The native floor: the compiled core and the declarations it is made from."""
