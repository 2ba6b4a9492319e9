// Package sealed is the encrypted channel of devices that speak TCP: the
// handshake with RSA keys and the AES frames after it, as Device OS has them
// (its "lightssl"). Both ends are here: the server's for the cloud, the
// client's for a virtual device. Nothing reads a socket, a clock or a source
// of chance: bytes come in and go out as values, random ones included.
//
// # Handshake
//
//	device                                            server
//	   |                                                 |
//	   |  <------------------------------- nonce (40)    |   ServerHandshake.Nonce
//	   |                                                 |
//	   |  RSA-2048 (server key)                          |
//	   |    nonce (40) ‖ device id (12) ‖ SPKI (162)     |   ClientHandshake.Answer
//	   |  -------------------------------> blob (256)    |   ServerHandshake.Receive
//	   |                                                 |
//	   |            C = RSA-1024 (device key) cred (40)  |
//	   |            H = HMAC-SHA1 (key cred, C)          |
//	   |            S = PKCS#1 v1.5 signature of bare H  |
//	   |  <-------------------- C (128) ‖ S (256)        |   ServerHandshake.Accept
//	   |                                                 |   ClientHandshake.Finish
//	   |  <===============  frames  ==================>  |   Channel, Splitter
//
// Both RSA encryptions are RSAES-PKCS1-v1_5. The server compares the device's
// key with the one that it has on file before it accepts; that the device has
// the private half is proven by its first frame that opens.
//
// # Frames
//
//	+------------+------------------------------------------+
//	| length (2) |  AES-128-CBC ciphertext (length)         |   big endian; a multiple of 16
//	+------------+------------------------------------------+
//
// One frame holds one CoAP message, PKCS#7 padded. Each direction has its own
// IV, and both begin with the same; after each frame it becomes the first (not
// the last) 16 bytes of that frame's ciphertext.
//
// # What this protocol cannot give
//
// The server's key both decrypts and signs, with PKCS#1 v1.5 padding. Whoever
// learns of chosen ciphertexts whether their padding is right can decrypt a
// recorded handshake, or sign. So nobody learns it: a decryption that fails
// goes on with other bytes, in constant time, into the nonce that does not
// match, and everything that is wrong with a blob is the one ErrHandshake.
//
// An old form of the blob without the device's key, 52 bytes of plaintext, is
// not accepted. To tell it from the usual one without an oracle would cost
// every handshake a second RSA decryption, and no released firmware that we
// know of sends it.
//
// Frames have no authentication code: somebody on the path can change
// ciphertext, and undetectably so if the padding stays right. Everything wrong
// with a frame is the one ErrFrame, the padding is examined in constant time,
// and the only answer is to close the connection without a word. No secret
// belongs on this channel.
package sealed
