"""What can be created, a frozen value each: payload out, id in, how to find it again."""
