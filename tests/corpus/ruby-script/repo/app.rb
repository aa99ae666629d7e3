require "sinatra"
set :port, 4568
set :bind, "0.0.0.0"
