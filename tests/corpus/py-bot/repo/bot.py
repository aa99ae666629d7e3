import discord
client = discord.Client()
client.run("x")
