"""The networks that are not torchvision's: plain modules, as their papers and published weights describe them."""
