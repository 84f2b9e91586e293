"""May this number be called now? Values in, values out: no clock, no I/O."""
