import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { highestRisk, loadSignatures } from './signatures.ts';

const signatures = loadSignatures();

describe('signatures of binaries', () => {
  it.each([
    ['ollama', 'binary.ollama'],
    ['ollama-linux-amd64', 'binary.ollama'],
    ['ollama-0.5.7', 'binary.ollama'],
    ['Ollama.exe', 'binary.ollama'],
    ['llama-server', 'binary.llama-cpp'],
    ['jan', 'binary.jan'],
    ['Jan', 'binary.jan'],
    ['raylet', 'binary.ray'],
    ['january', undefined],
    ['jan-2026', undefined],
    ['trojan', undefined],
    ['array', undefined],
    ['ray', undefined],
    ['stingray', undefined],
    ['my-ollama', undefined],
    ['ollamax', undefined],
    ['lms-proxy', undefined],
    ['codexec', undefined],
    ['claudette', undefined],
    ['cursory', undefined],
    ['desk-sk-app', undefined],
    ['ampd', undefined],
  ])('%s → %s', (name, id) => {
    expect(signatures.binary(name)?.id).toBe(id);
  });
});

describe('signatures of arguments', () => {
  it.each([
    ['vllm', 'argument.vllm'],
    ['vllm.entrypoints.openai.api_server', 'argument.vllm'],
    ['interpreter.terminal_interface', 'argument.open-interpreter'],
    ['google.adk.cli', 'argument.google-adk'],
    ['google.cloud', undefined],
    ['vllm_tools', undefined],
    ['my.vllm', undefined],
    ['http.server', undefined],
  ])('module %s → %s', (name, id) => {
    expect(signatures.module(name)?.id).toBe(id);
  });

  it.each([
    ['aider', 'argument.aider'],
    ['raider', undefined],
    ['aider.py', undefined],
    ['gemini', 'argument.gemini-cli'],
  ])('script %s → %s', (name, id) => {
    expect(signatures.script(name)?.id).toBe(id);
  });

  it.each([
    ['@anthropic-ai/claude-code', 'argument.claude-code'],
    ['aider_chat', 'argument.aider'],
    ['@openai/codex', 'argument.codex'],
    ['codex', undefined],
  ])('program of the package %s → %s', (name, id) => {
    expect(signatures.program(name)?.id).toBe(id);
  });
});

describe('signatures of loaded libraries', () => {
  it.each([
    ['libggml.so', 'library.ggml'],
    ['libggml-base.so', 'library.ggml'],
    ['libggml-cpu-haswell.so.1', 'library.ggml'],
    ['libllama.so.0.1', 'library.llama'],
    ['libcuda.so.1', 'library.cuda'],
    ['libcudart-a7b20f20.so.11.0', 'library.cuda'],
    ['libtorch_cpu.so', 'library.torch'],
    ['libonnxruntime.so.1.20.0', 'library.onnxruntime'],
    ['libcudaish.so', undefined],
    ['libggmlx.so', undefined],
    ['mylibggml.so', undefined],
    ['libggml.so.txt', undefined],
    ['libllamafont.so', undefined],
    ['libc.so.6', undefined],
  ])('%s → %s', (name, id) => {
    expect(signatures.library(name)?.id).toBe(id);
  });
});

describe('signatures of packages', () => {
  it.each([
    ['npm', 'langchain', 'package.langchain'],
    ['npm', '@langchain/core', 'package.langchain'],
    ['npm', '@langchainx/core', undefined],
    ['npm', 'ai', 'package.vercel-ai'],
    ['npm', 'air', undefined],
    ['npm', 'anthropic', undefined],
    ['npm', '@anthropic-ai/sdk', 'package.anthropic'],
    ['pypi', 'langchain_core', 'package.langchain'],
    ['pypi', 'LangChain', 'package.langchain'],
    ['pypi', 'ai', undefined],
    ['pypi', 'ray', 'package.ray'],
    ['pypi', 'array', undefined],
    ['pypi', 'torch', 'package.torch'],
    ['pypi', 'torchlight', undefined],
    ['npm', 'express', undefined],
  ] as const)('%s %s → %s', (ecosystem, name, id) => {
    expect(signatures.package(ecosystem, name)?.id).toBe(id);
  });
});

describe('the signature file', () => {
  it('is refused with the place of the mistake', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'raypher-signatures-')), 'signatures.json');
    writeFileSync(file, JSON.stringify({ version: 1, binaries: [{ id: 'x', risk: 'none', names: [] }] }));
    expect(() => loadSignatures(file)).toThrow(/binaries\[0\]\.risk/);
  });
});

describe('highestRisk', () => {
  it('takes the worst', () => {
    expect(highestRisk(['medium', 'critical', 'high'])).toBe('critical');
    expect(highestRisk(['medium'])).toBe('medium');
  });
});
