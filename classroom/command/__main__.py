"""`python -m classroom.command`: the command line where its script is not on the path."""

from classroom.command import main

main()
