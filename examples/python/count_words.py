"""Asks a worker to count words: python3 count_words.py tcp://127.0.0.1:4600 a rose is a rose"""
import sys
from circuit_channel import dial

session = dial(sys.argv[1])
jobs = session.open('count')
answers = jobs.send({'longest': 20}, returns=True)
words = answers.receive().value['words']              # the worker's answer holds the sender that the words go to
for word in sys.argv[2:]: words.send(word)
words.close()
for word, count in sorted(answers.receive().value.items()): print(count, word)
assert answers.receive() is None                      # nothing more to come
jobs.close()
session.close()
