// The types of gatehouse.js: docs/reference/javascript.md. Times are ISO 8601 in UTC.

export interface User {
  id: string;
  email: string;
  name: string;
  email_verified: boolean;
  is_staff: boolean;
  date_joined: string;
  groups: string[];
  /** Until when a second factor must be added; absent if there is no such date. */
  second_factor_by?: string;
}

export interface Session {
  handle: string;
  created_at: string;
  last_seen_at: string;
  idle_expires_at: string;
  absolute_expires_at: string;
  remember: boolean;
  assurance: {
    acr: "aal1" | "aal2";
    amr: ("pwd" | "otp" | "mfa")[];
    auth_time: string;
    /** When aal2 becomes aal1 if the session is not used. */
    expires_at: string | null;
    methods: ("pwd" | "otp" | "recovery" | "webauthn")[];
  };
}

export interface Current {
  user: User;
  session: Session;
}

/** RFC 9457, as Gatehouse answers; a proxy in between may answer anything. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  request_id: string;
  retry_after?: number;
  reason?: string;
  errors?: Record<string, string[]>;
  /** Of "step-up-required". */
  acr?: "aal1" | "aal2";
  max_age?: number;
  methods?: ("password" | "totp" | "recovery")[];
  /** Of "second-factor-missing": where to add one. */
  page?: string;
  /** Of "deletion-pending": ISO 8601, and the token for POST /api/auth/account/keep. */
  deletes_at?: string;
  keep_token?: string;
}

/** An unsuccessful response; `kind` is the last part of `type`, e.g. "invalid-credentials". */
export class Problem extends Error {
  constructor(status: number, document: Partial<ProblemDocument>);
  readonly status: number;
  readonly kind: string;
  readonly document: Partial<ProblemDocument>;
}

export interface GatehouseEventMap {
  /** `detail`: of the user who is signed in now, if that is another one. */
  "signed-out": CustomEvent<{ user: string } | null>;
  /** The session ends within two minutes; `left` in ms; `final`: use does not extend it. */
  expiring: CustomEvent<{ at: Date; left: number; final: boolean }>;
  renewed: CustomEvent<{ at: Date }>;
  "reauthentication-required": CustomEvent<{ url: string }>;
  "step-up-required": CustomEvent<{ url: string; methods: ("password" | "totp" | "recovery")[] }>;
  /** Try again after `retryAfter` seconds. Nobody is signed out. */
  unavailable: CustomEvent<{ retryAfter: number }>;
}

export interface GatehouseEvents extends EventTarget {
  addEventListener<Type extends keyof GatehouseEventMap>(
    type: Type,
    listener: (event: GatehouseEventMap[Type]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof GatehouseEventMap>(
    type: Type,
    listener: (event: GatehouseEventMap[Type]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: boolean | EventListenerOptions,
  ): void;
}

export const events: GatehouseEvents;

/** The CSRF token in the cookie; "" if there is none. */
export function cookieToken(): string;

/** Like window.fetch; unsafe calls to this origin carry X-CSRF-Token. */
export function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;

/** Who is signed in, or null. `slide: false` does not count as use. */
export function session(options?: { slide?: boolean }): Promise<Current | null>;

/** A sign-in that waits for its second step: a code ("factor"), or the app that the account must have ("enrol"). */
export interface Pending {
  purpose: "factor" | "enrol";
  methods: ("totp" | "recovery")[];
  expires_at: string;
}

export interface Code {
  method?: "totp" | "recovery";
  code: string;
}

/**
 * Sign in. `pending`: a second step is needed; continue with loginCode, or loginEnrol. Null: the signed-in user is
 * not the one this page is for. Throws a Problem when refused.
 */
export function login(credentials: {
  email: string;
  password: string;
  remember?: boolean;
}): Promise<Current | { pending: Pending } | null>;

/** Complete a pending sign-in. Throws a Problem when refused. */
export function loginCode(code: Code): Promise<Current | { pending: Pending } | null>;

/** Begin to add the app that a sign-in of purpose "enrol" requires; the secret is shown once. */
export function loginEnrol(): Promise<{ secret: string; uri: string }>;

/** Complete such a sign-in with a code from the new app. Throws a Problem when refused. */
export function loginEnrolCode(app: {
  code: string;
  name?: string;
}): Promise<Current | { pending: Pending } | null>;

/** Show a code after "step-up-required", in the current session. Throws a Problem when refused. */
export function stepUp(code: Code): Promise<Current | null>;

/** Sign out, in every tab. */
export function logout(): Promise<void>;

/** For pages of a signed-in user: raises "signed-out" as soon as the session ends anywhere. */
export function watch(): Promise<void>;
