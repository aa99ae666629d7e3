defmodule BigWeb.MixProject do
  def project, do: [app: :big_web, elixir: "~> 1.13"]
  def application, do: [mod: {BigWeb.Application, []}]
  defp deps, do: [{:phoenix, "~> 1.6"}]
end
