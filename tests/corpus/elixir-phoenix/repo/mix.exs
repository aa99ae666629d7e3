defmodule Chat.MixProject do
  def project do
    [app: :chat, version: "0.1.0", elixir: "~> 1.14", deps: deps()]
  end
  def application do
    [mod: {Chat.Application, []}]
  end
  defp deps do
    [{:phoenix, "~> 1.7.7"}, {:postgrex, ">= 0.0.0"}]
  end
end
