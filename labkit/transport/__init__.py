"""The wire: sockets, VISA, serial ports, Modbus. One link an instrument; third-party exceptions end here."""
