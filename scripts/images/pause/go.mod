module millwright.dev/pause

go 1.21
