"""What our PDF documents are drawn with: paragraphs in whatever letters somebody's name is written."""
