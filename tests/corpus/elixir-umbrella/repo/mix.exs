defmodule Big.MixProject do
  def project, do: [apps_path: "apps", releases: [big: [applications: [big_web: :permanent]]]]
end
