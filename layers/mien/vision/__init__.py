"""From bytes to faces. Images are (height, width, 3) uint8 in BGR order; chips are stacks of such images."""
