/**
 * The backend's own routes. Written by scripts/generate-api.ts from the OpenAPI document that a backend serves: change the
 * routes, not this.
 */
export interface paths {
    "/api/v1/audit": {
        get: operations["get_audit"];
    };
    "/api/v1/audit/verify": {
        post: operations["post_audit_verify"];
    };
    "/api/v1/bus/clients": {
        get: operations["get_bus_clients"];
    };
    "/api/v1/bus/grants": {
        get: operations["get_bus_grants"];
        post: operations["post_bus_grants"];
    };
    "/api/v1/bus/grants/{component}": {
        delete: operations["delete_bus_grants_component"];
    };
    "/api/v1/bus/messages": {
        post: operations["post_bus_messages"];
    };
    "/api/v1/bus/open": {
        post: operations["post_bus_open"];
    };
    "/api/v1/bus/requests": {
        post: operations["post_bus_requests"];
    };
    "/api/v1/bus/stats": {
        get: operations["get_bus_stats"];
    };
    "/api/v1/database/backup": {
        post: operations["post_database_backup"];
    };
    "/api/v1/database/check": {
        post: operations["post_database_check"];
    };
    "/api/v1/database/query": {
        post: operations["post_database_query"];
    };
    "/api/v1/database/stats": {
        get: operations["get_database_stats"];
    };
    "/api/v1/database/status": {
        get: operations["get_database_status"];
    };
    "/api/v1/database/vacuum": {
        post: operations["post_database_vacuum"];
    };
    "/api/v1/devices": {
        get: operations["get_devices"];
    };
    "/api/v1/devices/pairings": {
        post: operations["post_devices_pairings"];
    };
    "/api/v1/devices/{id}": {
        delete: operations["delete_devices_id"];
        patch: operations["patch_devices_id"];
    };
    "/api/v1/events": {
        get: operations["get_events"];
    };
    "/api/v1/events/ws": {
        get: operations["get_events_ws"];
    };
    "/api/v1/health": {
        get: operations["get_health"];
    };
    "/api/v1/logs": {
        get: operations["get_logs"];
        delete: operations["delete_logs"];
    };
    "/api/v1/logs/archive": {
        post: operations["post_logs_archive"];
    };
    "/api/v1/logs/counts": {
        get: operations["get_logs_counts"];
    };
    "/api/v1/logs/levels": {
        get: operations["get_logs_levels"];
        put: operations["put_logs_levels"];
    };
    "/api/v1/logs/stream": {
        get: operations["get_logs_stream"];
    };
    "/api/v1/logs/{id}": {
        get: operations["get_logs_id"];
    };
    "/api/v1/nodes": {
        get: operations["get_nodes"];
        post: operations["post_nodes"];
    };
    "/api/v1/nodes/invitations": {
        post: operations["post_nodes_invitations"];
    };
    "/api/v1/nodes/{id}": {
        delete: operations["delete_nodes_id"];
    };
    "/api/v1/openapi": {
        get: operations["get_openapi"];
    };
    "/api/v1/plugins": {
        get: operations["get_plugins"];
    };
    "/api/v1/plugins/{name}": {
        get: operations["get_plugins_name"];
    };
    "/api/v1/plugins/{name}/disable": {
        post: operations["post_plugins_name_disable"];
    };
    "/api/v1/plugins/{name}/enable": {
        post: operations["post_plugins_name_enable"];
    };
    "/api/v1/plugins/{name}/reload": {
        post: operations["post_plugins_name_reload"];
    };
    "/api/v1/security/lock": {
        post: operations["post_security_lock"];
    };
    "/api/v1/security/status": {
        get: operations["get_security_status"];
    };
    "/api/v1/security/unlock": {
        post: operations["post_security_unlock"];
    };
    "/api/v1/streams": {
        get: operations["get_streams"];
    };
    "/api/v1/streams/consumers/forget": {
        post: operations["post_streams_consumers_forget"];
    };
    "/api/v1/streams/dead-letters": {
        get: operations["get_streams_dead_letters"];
    };
    "/api/v1/streams/dead-letters/drop": {
        post: operations["post_streams_dead_letters_drop"];
    };
    "/api/v1/streams/dead-letters/replay": {
        post: operations["post_streams_dead_letters_replay"];
    };
    "/api/v1/system/config": {
        get: operations["get_system_config"];
    };
    "/api/v1/system/status": {
        get: operations["get_system_status"];
    };
    "/api/v1/system/stop": {
        post: operations["post_system_stop"];
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        Problem: {
            /** @default about:blank */
            type: string;
            title: string;
            status: number;
            detail?: string;
            instance?: string;
            code?: string;
            hint?: string;
            errors?: {
                path: string;
                message: string;
            }[];
            request_id?: string;
        };
    };
    responses: {
        /** @description What went wrong (RFC 9457). */
        Problem: {
            content: {
                "application/problem+json": components["schemas"]["Problem"];
            };
        };
    };
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export interface operations {
    get_audit: {
        parameters: {
            query?: {
                /** @description An action, or its first word for all of them. */
                action?: string;
                actor?: string;
                subject?: string;
                outcome?: "done" | "failed";
                since?: string;
                until?: string;
                limit?: number;
                /** @description The number of the last event of this page. */
                before?: number;
                /** @description The same, where the oldest come first. */
                after?: number;
                first?: "newest" | "oldest";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        events: {
                            /** @description Its number: the first event has 1. */
                            seq: number;
                            /** @description Milliseconds since 1970. */
                            time: number;
                            /** @description A UUID. */
                            event: string;
                            /** @description `local`, `device:ID`, `stranger:ADDRESS` or `backend`. */
                            actor: string;
                            action: string;
                            subject: string;
                            /** @enum {unknown} */
                            outcome: "done" | "failed";
                            details: {
                                [key: string]: unknown;
                            };
                            /** @description Of this row and of all rows before it. */
                            hash: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_audit_verify: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        ok: boolean;
                        /** @description The number of rows that are in order. */
                        rows: number;
                        /** @description The number of the first row that is wrong or missing. */
                        firstBroken?: number;
                        reason?: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_bus_clients: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        clients: {
                            component: string;
                            client: string;
                            /** Format: date-time */
                            since: string;
                            published: number;
                            delivered: number;
                            refused: number;
                            queued_bytes: number;
                            subscriptions: {
                                pattern: string;
                                queued: number;
                                dropped: number;
                            }[];
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_bus_grants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        grants: {
                            component: string;
                            publicKey: string;
                            publish: string[];
                            subscribe: string[];
                            createdAt: string;
                            keyCreatedAt: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_bus_grants: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    component: string;
                    public_key: string;
                    publish?: string[];
                    subscribe?: string[];
                    renew?: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                content: {
                    "application/json": {
                        grant: {
                            component: string;
                            publicKey: string;
                            publish: string[];
                            subscribe: string[];
                            createdAt: string;
                            keyCreatedAt: string;
                        };
                        endpoints: string[];
                        /** @description The public key of the broker, Z85. */
                        broker: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_bus_grants_component: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                component: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        revoked: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_bus_messages: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    topic: string;
                    message: unknown;
                };
            };
        };
        responses: {
            /** @description Done. */
            202: {
                content: {
                    "application/json": {
                        published: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_bus_open: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        endpoints: string[];
                        /** @description The public key of the broker, Z85. */
                        broker: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_bus_requests: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    topic: string;
                    message: unknown;
                    timeout_ms?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        answer?: unknown;
                        /** @description The answer, where it is bytes. */
                        answer_base64?: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_bus_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        endpoints: string[];
                        connections: {
                            admitted: number;
                            refused: number;
                        };
                        /** @description Frames that were none. */
                        malformed: number;
                        sessions: number;
                        /** @description Messages of plugins that could not travel. */
                        untravelled: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_database_backup: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    directory: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        folder: string;
                        manifest: {
                            /** @constant */
                            format: "aico-backup";
                            version: 1 | 2;
                            createdAt: string;
                            databaseId: string;
                            commits: number;
                            cipher: "aegis" | "sqlcipher";
                            database: {
                                bytes: number;
                                sha256: string;
                            };
                            keySlots: {
                                bytes: number;
                                sha256: string;
                            };
                            home?: {
                                bytes: number;
                                sha256: string;
                            };
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_database_check: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        ok: boolean;
                        problems: string[];
                        brokenReferences: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_database_query: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    sql: string;
                    params?: (boolean | (null | string | number | {
                        integer: string;
                    } | {
                        /** @enum {unknown} */
                        real: "Infinity" | "-Infinity" | "-0";
                    } | {
                        base64: string;
                    }))[] | {
                        [key: string]: boolean | (null | string | number | {
                            integer: string;
                        } | {
                            /** @enum {unknown} */
                            real: "Infinity" | "-Infinity" | "-0";
                        } | {
                            base64: string;
                        });
                    };
                    /** @default 1000 */
                    limit: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        columns: string[];
                        rows: (null | string | number | {
                            integer: string;
                        } | {
                            /** @enum {unknown} */
                            real: "Infinity" | "-Infinity" | "-0";
                        } | {
                            base64: string;
                        })[][];
                        /** @description Whether there are more rows than were asked for, or than fit in 16 MiB. */
                        truncated: boolean;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_database_stats: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        state: "ready" | "read-only" | "unreachable" | "failed";
                        engine: string;
                        bytes: number;
                        details: {
                            [key: string]: string | number;
                        };
                        tables: {
                            name: string;
                            rows: number;
                        }[];
                        overdue: {
                            owner: string | null;
                            statement: string;
                            /** Format: date-time */
                            since: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_database_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        engine: string;
                        version: string;
                        location: string;
                        bytes: number;
                        capabilities: ("backup" | "restore" | "rotate-key" | "rollback-guard" | "vacuum" | "check")[];
                        clear: {
                            table: string;
                            columns: string[];
                        }[];
                        tables: {
                            name: string;
                            rows: number;
                        }[];
                        migrations: {
                            owner: string;
                            id: string;
                            /** Format: date-time */
                            appliedAt: string;
                        }[];
                        details: {
                            [key: string]: string | number;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_database_vacuum: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Bytes of the database on the disk. */
            200: {
                content: {
                    "application/json": {
                        before: number;
                        after: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_devices: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        devices: {
                            id: string;
                            name: string;
                            roles: string[];
                            /** @description Of its public key: five groups of four characters. */
                            fingerprint: string;
                            /** Format: date-time */
                            pairedAt: string;
                            /** Format: date-time */
                            lastSeenAt?: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_devices_pairings: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    roles?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                content: {
                    "application/json": {
                        /** @description For one device, once. */
                        code: string;
                        roles: string[];
                        /** @description Of this backend's key. */
                        fingerprint: string;
                        /** Format: date-time */
                        expiresAt: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_devices_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            204: {
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    patch_devices_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name?: string;
                    roles?: string[];
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        id: string;
                        name: string;
                        roles: string[];
                        /** @description Of its public key: five groups of four characters. */
                        fingerprint: string;
                        /** Format: date-time */
                        pairedAt: string;
                        /** Format: date-time */
                        lastSeenAt?: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_events: {
        parameters: {
            query: {
                topic: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description `open`: the subscription; `message`: what was published; `gap`: how many were lost. See docs/events.md. */
            200: {
                content: {
                    "text/event-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_events_ws: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description A WebSocket (RFC 6455). */
            101: {
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_health: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        status: "healthy" | "degraded" | "unhealthy";
                        checks: {
                            [key: string]: {
                                /** @enum {unknown} */
                                status: "healthy" | "degraded" | "unhealthy";
                                /** @description One sentence for a person. */
                                detail?: string;
                                data?: {
                                    [key: string]: unknown;
                                };
                                /** @description Whether the backend is not ready without it. */
                                critical: boolean;
                                durationMs: number;
                            };
                        };
                        /** Format: date-time */
                        timestamp: string;
                    };
                };
            };
            /** @description Done. */
            503: {
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        status: "healthy" | "degraded" | "unhealthy";
                        checks: {
                            [key: string]: {
                                /** @enum {unknown} */
                                status: "healthy" | "degraded" | "unhealthy";
                                /** @description One sentence for a person. */
                                detail?: string;
                                data?: {
                                    [key: string]: unknown;
                                };
                                /** @description Whether the backend is not ready without it. */
                                critical: boolean;
                                durationMs: number;
                            };
                        };
                        /** Format: date-time */
                        timestamp: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_logs: {
        parameters: {
            query?: {
                service?: string;
                level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                component?: string;
                text?: string;
                requestId?: string;
                traceId?: string;
                plugin?: string;
                device?: string;
                /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                since?: string;
                /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                until?: string;
                /** @description An answer has fewer lines where they are long, and none where no more match. */
                limit?: number;
                /** @description The id of the last line of this page. */
                before?: number;
                /** @description The same, where the oldest come first. */
                after?: number;
                first?: "newest" | "oldest";
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        logs: {
                            id: number;
                            /** @description Milliseconds since 1970. */
                            time: number;
                            /** @enum {unknown} */
                            level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                            service: string;
                            component: string;
                            message: string;
                            fields: {
                                [key: string]: unknown;
                            };
                            context?: {
                                requestId?: string;
                                traceId?: string;
                                plugin?: string;
                                /** @description The id of the device. */
                                device?: string;
                            };
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_logs: {
        parameters: {
            query?: {
                service?: string;
                component?: string;
                text?: string;
                requestId?: string;
                traceId?: string;
                plugin?: string;
                device?: string;
                /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                since?: string;
                /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                until?: string;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description The number of lines. */
                        deleted: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_logs_archive: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    service?: string;
                    component?: string;
                    text?: string;
                    requestId?: string;
                    traceId?: string;
                    plugin?: string;
                    device?: string;
                    /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                    since?: string;
                    /** @description 10m, 1h30m, 3d, today, yesterday, 14:30, 2026-11-27, or a date-time of ISO 8601. */
                    until?: string;
                    file: string;
                    /**
                     * @description Whether the lines are deleted from the log once the file is durable.
                     * @default false
                     */
                    remove: boolean;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        file: string;
                        lines: number;
                        /** @description How many of the lines were deleted from the log. */
                        removed: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_logs_counts: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        counts: {
                            service: string;
                            /** @enum {unknown} */
                            level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                            lines: number;
                        }[];
                        /** @description Milliseconds since 1970. */
                        oldest?: number;
                        newest?: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_logs_levels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        default: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                        /** @description By service, or service/component. */
                        rules: {
                            [key: string]: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    put_logs_levels: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    /** @description service, or service/component; without it the default. */
                    target?: string;
                    /** @description null: the default again. */
                    level: ("trace" | "debug" | "info" | "warn" | "error" | "fatal") | null;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @enum {unknown} */
                        default: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                        /** @description By service, or service/component. */
                        rules: {
                            [key: string]: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_logs_stream: {
        parameters: {
            query?: {
                service?: string;
                level?: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                component?: string;
                text?: string;
                requestId?: string;
                traceId?: string;
                plugin?: string;
                device?: string;
                /** @description Begins after the line with this id, instead of now. */
                after?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description `open`, then `message` with each line when it is stored. See docs/events.md. */
            200: {
                content: {
                    "text/event-stream": string;
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_logs_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: number;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        id: number;
                        /** @description Milliseconds since 1970. */
                        time: number;
                        /** @enum {unknown} */
                        level: "trace" | "debug" | "info" | "warn" | "error" | "fatal";
                        service: string;
                        component: string;
                        message: string;
                        fields: {
                            [key: string]: unknown;
                        };
                        context?: {
                            requestId?: string;
                            traceId?: string;
                            plugin?: string;
                            /** @description The id of the device. */
                            device?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_nodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description Whether the database is one that several nodes can share. */
                        shared: boolean;
                        nodes: {
                            id: string;
                            name: string;
                            /** @description Of the backend at its last start; empty before its first. */
                            version: string;
                            /** Format: date-time */
                            joinedAt: string;
                            /** Format: date-time */
                            lastSeenAt?: string;
                            /** @description Whether its backend runs and reaches the database. */
                            isPresent: boolean;
                            /** @description Whether it is the node that answers. */
                            isSelf: boolean;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_nodes: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    name: string;
                    /** @description 32 bytes in base64url. */
                    publicKey: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            201: {
                content: {
                    "application/json": {
                        id: string;
                        /** @description The root key of the home, sealed to the public key. */
                        rootKey: {
                            ephemeral: string;
                            nonce: string;
                            ciphertext: string;
                        };
                        /** @description Configuration for the new node, with secrets. */
                        settings: {
                            [key: string]: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_nodes_invitations: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            201: {
                content: {
                    "application/json": {
                        /** @description For one node, once. */
                        code: string;
                        /** @description Of this home's key. */
                        fingerprint: string;
                        /** Format: date-time */
                        expiresAt: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    delete_nodes_id: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                id: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            204: {
                content?: never;
            };
            default: components["responses"]["Problem"];
        };
    };
    get_openapi: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @constant */
                        openapi: "3.1.0";
                        info: {
                            title: string;
                            version: string;
                            description: string;
                        };
                        tags: {
                            name: string;
                            description?: string;
                        }[];
                        paths: {
                            [key: string]: {
                                [key: string]: unknown;
                            };
                        };
                        components: {
                            schemas: {
                                [key: string]: unknown;
                            };
                            responses: {
                                [key: string]: unknown;
                            };
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_plugins: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        plugins: {
                            name: string;
                            version: string;
                            description: string;
                            priority: number;
                            state: string;
                            required: boolean;
                            /** @enum {unknown} */
                            runs: "every-node" | "one-node";
                            /** @description Whether it runs on this node. */
                            isActive: boolean;
                            /** @description The URL of its module; empty if a program registered it. */
                            module: string;
                            dependencies: string[];
                            topics: string[];
                            /** @description Each with what it allows. */
                            capabilities: {
                                [key: string]: string;
                            };
                            offers: string[];
                            fills: string[];
                            dependents: string[];
                            opens: string[];
                            /** @description How often its code was loaded since the backend started. */
                            loads: number;
                            problem?: {
                                code: string;
                                message: string;
                                hint?: string;
                            };
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_plugins_name: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        name: string;
                        version: string;
                        description: string;
                        priority: number;
                        state: string;
                        required: boolean;
                        /** @enum {unknown} */
                        runs: "every-node" | "one-node";
                        /** @description Whether it runs on this node. */
                        isActive: boolean;
                        /** @description The URL of its module; empty if a program registered it. */
                        module: string;
                        dependencies: string[];
                        topics: string[];
                        /** @description Each with what it allows. */
                        capabilities: {
                            [key: string]: string;
                        };
                        offers: string[];
                        fills: string[];
                        dependents: string[];
                        opens: string[];
                        /** @description How often its code was loaded since the backend started. */
                        loads: number;
                        problem?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_plugins_name_disable: {
        parameters: {
            query?: {
                /** @description Disables the plugins that need it, too. */
                dependents?: boolean;
            };
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        name: string;
                        version: string;
                        description: string;
                        priority: number;
                        state: string;
                        required: boolean;
                        /** @enum {unknown} */
                        runs: "every-node" | "one-node";
                        /** @description Whether it runs on this node. */
                        isActive: boolean;
                        /** @description The URL of its module; empty if a program registered it. */
                        module: string;
                        dependencies: string[];
                        topics: string[];
                        /** @description Each with what it allows. */
                        capabilities: {
                            [key: string]: string;
                        };
                        offers: string[];
                        fills: string[];
                        dependents: string[];
                        opens: string[];
                        /** @description How often its code was loaded since the backend started. */
                        loads: number;
                        problem?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_plugins_name_enable: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        name: string;
                        version: string;
                        description: string;
                        priority: number;
                        state: string;
                        required: boolean;
                        /** @enum {unknown} */
                        runs: "every-node" | "one-node";
                        /** @description Whether it runs on this node. */
                        isActive: boolean;
                        /** @description The URL of its module; empty if a program registered it. */
                        module: string;
                        dependencies: string[];
                        topics: string[];
                        /** @description Each with what it allows. */
                        capabilities: {
                            [key: string]: string;
                        };
                        offers: string[];
                        fills: string[];
                        dependents: string[];
                        opens: string[];
                        /** @description How often its code was loaded since the backend started. */
                        loads: number;
                        problem?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_plugins_name_reload: {
        parameters: {
            query?: never;
            header?: never;
            path: {
                name: string;
            };
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        name: string;
                        version: string;
                        description: string;
                        priority: number;
                        state: string;
                        required: boolean;
                        /** @enum {unknown} */
                        runs: "every-node" | "one-node";
                        /** @description Whether it runs on this node. */
                        isActive: boolean;
                        /** @description The URL of its module; empty if a program registered it. */
                        module: string;
                        dependencies: string[];
                        topics: string[];
                        /** @description Each with what it allows. */
                        capabilities: {
                            [key: string]: string;
                        };
                        offers: string[];
                        fills: string[];
                        dependents: string[];
                        opens: string[];
                        /** @description How often its code was loaded since the backend started. */
                        loads: number;
                        problem?: {
                            code: string;
                            message: string;
                            hint?: string;
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_security_lock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description "unlocked", or what there is in its place. */
                        state: string;
                        /** @description The limits of key wiping on this platform. */
                        wiped: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_security_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description "unlocked", or what there is in its place. */
                        state: string;
                        slots: {
                            id: string;
                            /** @enum {unknown} */
                            kind: "password" | "key-file" | "keyring" | "credential" | "recovery";
                            /** Format: date-time */
                            createdAt: string;
                            /** @description The Argon2 cost of one password attempt. */
                            cost?: {
                                memoryKiB: number;
                                passes: number;
                                lanes: number;
                            };
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_security_unlock: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    password?: string;
                    recoveryCode?: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description "unlocked", or what there is in its place. */
                        state: string;
                    };
                };
            };
            400: components["responses"]["Problem"];
            401: components["responses"]["Problem"];
            429: components["responses"]["Problem"];
            503: components["responses"]["Problem"];
            default: components["responses"]["Problem"];
        };
    };
    get_streams: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        messages: number;
                        bytes: number;
                        first?: number;
                        last?: number;
                        topics: {
                            topic: string;
                            messages: number;
                        }[];
                        consumers: {
                            consumer: string;
                            pattern: string;
                            /** @description Everything up to here is settled. */
                            floor: number;
                            /** @description Numbers after the floor, of its topics or not. */
                            lag: number;
                            retrying: number;
                            dead: number;
                            running: boolean;
                            /** Format: date-time */
                            seenAt: string;
                            /** @description Whether messages that it has not settled are kept for it. */
                            holds: boolean;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_streams_consumers_forget: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    consumer: string;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        forgotten: string;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_streams_dead_letters: {
        parameters: {
            query?: {
                consumer?: string;
                limit?: number;
            };
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        deadLetters: {
                            consumer: string;
                            number: number;
                            topic: string;
                            id: string;
                            attempts: number;
                            error: string | null;
                            /** Format: date-time */
                            diedAt: string;
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_streams_dead_letters_drop: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    consumer: string;
                    number?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description How many were dropped. */
                        dropped: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_streams_dead_letters_replay: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        requestBody: {
            content: {
                "application/json": {
                    consumer: string;
                    number?: number;
                };
            };
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        /** @description How many were given to it again. */
                        replayed: number;
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_system_config: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        entries: {
                            key: string;
                            /** @description "[redacted]" where it is a secret, or no schema describes it. */
                            value: unknown;
                            origin: {
                                /** @constant */
                                layer: "default";
                            } | {
                                /** @enum {unknown} */
                                layer: "environment file" | "user file";
                                file: string;
                                line?: number;
                                column?: number;
                            } | {
                                /** @constant */
                                layer: "environment variable";
                                variable: string;
                            } | {
                                /** @constant */
                                layer: "runtime";
                            };
                        }[];
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    get_system_status: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            200: {
                content: {
                    "application/json": {
                        pid: number;
                        version: string;
                        node: string;
                        environment: string;
                        home: string;
                        state: string;
                        /** Format: date-time */
                        startedAt: string;
                        uptimeMs: number;
                        addresses: {
                            socket?: string;
                            http?: string;
                        };
                        load: {
                            /** @description Since the last request for the status. */
                            eventLoop: {
                                /** @description The part of the time in which it was busy, from 0 to 1. */
                                busy: number;
                                /** @description How late timers were. */
                                meanDelayMs: number;
                                maxDelayMs: number;
                            };
                            memory: {
                                rssBytes: number;
                                heapUsedBytes: number;
                            };
                            requests?: {
                                /** @description Since the start. */
                                begun: number;
                                /** @description Not answered yet, or endless. */
                                pending: number;
                            };
                        };
                        report: {
                            /** @description Until all that could start had started. */
                            totalMs: number;
                            services: {
                                name: string;
                                /** @enum {unknown} */
                                state: "registered" | "waiting" | "held" | "starting" | "running" | "retrying" | "failed" | "stopping" | "stopped";
                                required: boolean;
                                /** @description The required service that needs it. */
                                requiredBy?: string;
                                priority: number;
                                dependencies: string[];
                                /** @enum {unknown} */
                                phase?: "construct" | "initialize" | "start";
                                heldBecause?: string;
                                attempts: number;
                                /** @description From the start of the whole until its first phase. */
                                waitedMs: number;
                                /** @description The dependency that was the last to become ready. */
                                waitedOn?: string;
                                waitingFor: string[];
                                /** @description Milliseconds of each phase of the last attempt. */
                                phases: {
                                    construct?: number;
                                    initialize?: number;
                                    start?: number;
                                };
                                ms: number;
                                retryInMs?: number;
                                error?: {
                                    code: string;
                                    message: string;
                                    hint?: string;
                                };
                            }[];
                        };
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
    post_system_stop: {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        responses: {
            /** @description Done. */
            202: {
                content: {
                    "application/json": {
                        /** @constant */
                        status: "stopping";
                    };
                };
            };
            default: components["responses"]["Problem"];
        };
    };
}
