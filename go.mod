module github.com/cyan-cloud/cyan

go 1.26
