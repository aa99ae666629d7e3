module Bookshop
  class Application < Rails::Application
  end
end
