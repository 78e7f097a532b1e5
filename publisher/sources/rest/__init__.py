"""Web services: answers page by page, asked politely and with bounds."""
