"""What people see: the only room that draws."""
