/** The pages' words, in Chinese and English. `{name}` in a sentence is filled from the second argument. */

import { ref, watchEffect } from 'vue'
import { en } from './en'
import { zh } from './zh'

export type Language = 'zh' | 'en'
export type Word = keyof typeof zh

const KEPT = 'language'

function isLanguage(value: unknown): value is Language {
  return value === 'zh' || value === 'en'
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEPT)
  } catch {
    return null
  }
}

/** The address says it (`?lang=en`), else the person chose it before, else Chinese. */
export function firstLanguage(search: string, kept: string | null): Language {
  const asked = new URLSearchParams(search).get('lang')
  if (isLanguage(asked)) return asked
  return isLanguage(kept) ? kept : 'zh'
}

export const language = ref<Language>(
  typeof location === 'undefined' ? 'zh' : firstLanguage(location.search, stored()),
)

export function choose(next: Language): void {
  language.value = next
  try {
    localStorage.setItem(KEPT, next)
  } catch {
    // the choice then lasts as long as the page
  }
}

export function fill(sentence: string, values: Record<string, string | number>): string {
  return sentence.replace(/\{(\w+)\}/g, (whole, name: string) => (name in values ? String(values[name]) : whole))
}

export function t(word: Word, values: Record<string, string | number> = {}): string {
  return fill((language.value === 'en' ? en : zh)[word], values)
}

/** A word whose name is put together at run time, such as a refusal's; null where there is none. */
export function tIf(word: string): string | null {
  const words: Record<string, string> = language.value === 'en' ? en : zh
  return Object.hasOwn(words, word) ? (words[word] ?? null) : null
}

export function locale(): string {
  return language.value === 'en' ? 'en-GB' : 'zh-CN'
}

/** Keeps the document's language and title. */
export function titled(title: () => string): void {
  watchEffect(() => {
    document.documentElement.lang = language.value === 'en' ? 'en' : 'zh-CN'
    document.title = title()
  })
}
