defmodule Ping.MixProject do
  def project, do: [app: :ping, elixir: "~> 1.15"]
  def application, do: [mod: {Ping, []}]
  defp deps, do: [{:plug_cowboy, "~> 2.6"}]
end
