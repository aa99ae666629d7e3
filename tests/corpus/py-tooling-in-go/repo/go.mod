module example.com/team/collector

go 1.22
