"""The pages, one file each; `mounting.TABLE` says which address shows which."""
