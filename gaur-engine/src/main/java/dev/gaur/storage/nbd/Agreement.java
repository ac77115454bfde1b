package dev.gaur.storage.nbd;

import java.util.Map;

/**
 * What a handshake has led to.
 *
 * @param export what the server offers
 * @param contexts names of what block status tells, by the numbers that the server gave them
 */
record Agreement(ExportInfo export, Map<Integer, String> contexts) {}
